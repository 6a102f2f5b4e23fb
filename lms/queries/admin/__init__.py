"""What admins see: the queue, students, courses, payments and the audit trail."""
