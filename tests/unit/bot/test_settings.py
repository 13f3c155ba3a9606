"""Where the bot's token may come from."""

from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import Settings


def token(settings: Settings) -> str | None:
    return None if settings.discord_token is None else settings.discord_token.get_secret_value()


def test_the_token_is_read_from_the_file_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("from-the-file\n")
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(tmp_path / "token"))

    assert token(Settings()) == "from-the-file"


def test_the_file_may_be_named_in_env_and_a_token_of_its_own_goes_before(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-the-file\n")
    (tmp_path / ".env").write_text(f"DISCORD_TOKEN=\nDISCORD_TOKEN_FILE={tmp_path / 'token'}\n")
    assert token(Settings()) == "from-the-file"

    (tmp_path / ".env").write_text(f"DISCORD_TOKEN=its-own\nDISCORD_TOKEN_FILE={tmp_path / 'token'}\n")
    assert token(Settings()) == "its-own"


@pytest.mark.parametrize("name", ["DISCORD_TOKEN", "discord_token"])
def test_secrets_are_read_from_systemds_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / name).write_text("from-a-credential\n")
    (tmp_path / "credentials" / "DATABASE_URL").write_text("postgresql+asyncpg://easel:secret@host/easel\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))

    settings = Settings()

    assert token(settings) == "from-a-credential"
    assert settings.database == "postgresql+asyncpg://easel:secret@host/easel"
    assert "from-a-credential" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "said"), [(None, "cannot be read"), ("\n", "is empty"), (b"\xff", "cannot be read")]
)
def test_a_file_without_a_token_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | bytes | None, said: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(file))

    with pytest.raises(SettingsError, match=f"DISCORD_TOKEN_FILE {said}: {file}"):
        Settings()


def test_without_any_of_them_there_is_no_token() -> None:
    assert token(Settings()) is None
