"""Headers that every answer carries."""

from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.wrappers import Response

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Bootstrap draws its form controls with data: images
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self' {checkout}",  # 'Buy' is a form that ends on Stripe's page
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
CHECKOUT = "https://checkout.stripe.com"
MAX_BODY = 1_000_000


def init_app(app: Flask) -> None:
    """Add the headers, and refuse bodies that no form of ours can have."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY
    production = app.config["LMS_ENV"] == "production"
    base = urlsplit(app.config["STRIPE_API_BASE"] or CHECKOUT)
    policy = CONTENT_SECURITY_POLICY.format(checkout=f"{base.scheme}://{base.netloc}")

    @app.after_request
    def add_headers(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", policy)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
        if production:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if request.endpoint != "static":
            headers.setdefault("Cache-Control", "private, no-cache")
            response.vary.add("Cookie")
        return response
