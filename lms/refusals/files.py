"""Why a file isn't taken, or isn't there."""

from lms.refusals.base import Busy, Invalid, NotFound, Refusal


class FileNotFound(NotFound):
    detail = "This file doesn't exist. It may have been deleted. Reload the course."


class FileLost(Refusal):
    detail = "The file isn't on the server anymore. Upload it again."


class UploadNotFound(NotFound):
    detail = "This upload isn't on the server anymore. Choose the file again."


class UploadIncomplete(Refusal):
    detail = "Part of the file is missing. Choose it again: the upload continues where it stopped."


class WrongOffset(Refusal):
    """A piece of an upload doesn't begin where what has come ends, at `offset`."""

    detail = (
        "This part of the file has arrived already, or one before it is missing. Ask how much has"
        " arrived, and go on from there."
    )

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


class NoRoom(Invalid):
    """A file is too much for all the room that files may take."""


class StorageAway(Busy):
    """The bucket with the contents of files can't be reached, or refuses what is asked of it."""

    detail = "The portal can't reach its file storage right now. Try again in 5 seconds."

    def __init__(self) -> None:
        super().__init__(self.detail, 5)
