"""What was charged for a course, in its parts, as receipts and pages of payments show it."""

from lms.money import money
from lms.queries.read_model import read_model


@read_model
class Charge:
    """The parts of a price, and what Stripe made out for it."""

    subtotal_cents: int
    discount_cents: int
    tax_cents: int
    amount_cents: int
    currency: str
    invoice_number: str | None
    invoice_url: str | None
    buyer_tax_id: str | None
    presentment_amount: int | None
    presentment_currency: str | None

    @property
    def price_lines(self) -> list[tuple[str, str]]:
        """Name the parts of what was charged; nothing where it was the price alone."""
        if not (self.discount_cents or self.tax_cents):
            return []
        lines = [("Price", money(self.subtotal_cents, self.currency))]
        if self.discount_cents:
            lines.append(("Discount", money(-self.discount_cents, self.currency)))
        if self.tax_cents:
            is_added = self.amount_cents != self.subtotal_cents - self.discount_cents
            name = "Tax" if is_added else "Tax (included)"
            lines.append((name, money(self.tax_cents, self.currency)))
        return lines

    @property
    def presented(self) -> str:
        """What the student saw and paid, where Stripe converted the price; else blank."""
        if self.presentment_amount is None or self.presentment_currency is None:
            return ""
        return money(self.presentment_amount, self.presentment_currency)
