"""What is in the files of courses: where it lies, what it may be, how pictures are made harmless.

Each content lies once in `LMS_FILES`, under its SHA-256; the table `course_files` says what it is
called where. A content that no row names goes after an hour, or a day in a bucket.
"""
