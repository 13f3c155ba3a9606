"""What can go wrong around a job; every message is a plain sentence that may be shown to a person."""


class EaselError(Exception):
    """Something a person or an operator should be told in words."""


class SettingsError(EaselError):
    """A setting is missing or wrong; the text names it and what to do."""


class LimitError(EaselError):
    """A person asked for more than their share."""


class StorageError(EaselError):
    """The database does not answer; trying again later may help."""


class PictureLostError(EaselError):
    """A painted picture could not be kept, or is no longer kept."""


class NotKeptError(EaselError):
    """A job is asked for that is no longer known."""


class JobTakenError(EaselError):
    """Another process of the bot looks after this job; this one has nothing more to do with it."""


class DeliveryError(EaselError):
    """Discord did not take a message, and trying again will not help."""


class UnreachableError(DeliveryError):
    """Discord does not answer, or asks to be left alone for a while; trying again later will help."""


class AnswerExpiredError(DeliveryError):
    """The interaction's answer can no longer be edited: its token is dead, or its message is gone."""


class ClosedMessagesError(DeliveryError):
    """A person takes no direct messages from the bot."""


class UploadTooLargeError(DeliveryError):
    """Discord found the files too large."""
