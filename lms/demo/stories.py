"""What the people of the demo school do and say."""

OPEN_COURSES = (
    "conversational-spanish",
    "darkroom-photography",
    "night-sky",
    "plant-first-aid",
)
REQUESTED_COURSES = {
    "accessible-web-pages": 0.35,
    "bicycle-repair": 0.3,
    "sql-transactions": 0.35,
    "statistics-without-tears": 0.15,
}
"""How likely a student asks for each."""
REJECTED = {
    "accessible-web-pages": 0.15,
    "bicycle-repair": 0.1,
    "sql-transactions": 0.25,
    "statistics-without-tears": 0.5,
}
"""How likely an admin says no."""
BOUGHT_COURSES = ("bread-baking", "reading-music", "statistics-without-tears")
WAITING_FOR = ("sql-transactions", "accessible-web-pages", "bicycle-repair")

MESSAGES = (
    "",
    "",
    "A colleague recommended this course to me.",
    "I would like to use this at work from next month on.",
    "I took the first part last year and want to go on.",
    "My teacher says that I am ready for it.",
    "I have Tuesday and Thursday evenings free for this.",
    "I am changing careers, and this is the piece that I miss.",
    "Could I join although I come from another department?",
    "I tried to learn this from a book and got stuck in chapter three.",
)
REJECTION_REASONS = (
    "Please finish 'Welcome: how to learn here' first, then ask again.",
    "This term's group is complete. The next one starts in two months.",
    "The course assumes that you have written queries before. Begin with a beginners' course.",
    "We need a word from your supervisor for this one. Ask again when you have it.",
)
SCHOLARSHIP_REASONS = (
    "Scholarship of the school association.",
    "Helped to proofread the course.",
    "Paid by the employer, invoice sent.",
)
