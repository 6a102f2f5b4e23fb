"""What triggers derive from other columns: wrong, perhaps, once they were lost."""

from collections.abc import Collection

from sqlalchemy import Connection


def forget(connection: Connection, restored: Collection[str]) -> None:
    """Let what a restored trigger did not see change be derived anew."""
    if "users_forget_words" in restored:
        connection.exec_driver_sql("UPDATE users SET words = NULL")
