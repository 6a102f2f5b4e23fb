"""Settings: where they come from, and which ones stop start-up."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lms import config
from lms.config import ConfigError

ROOT = Path(__file__).resolve().parents[1]
KEY = "f2a9c81d60b7e4352b8d91c06e7fa354"
OTHER = "zT4-kQ9_vX2mB7nL0pR5sW8yC1dF6gHj"

BAD = [
    ("DATABASE_URL", "mysql://localhost/lms"),
    ("DATABASE_URL", "nonsense"),
    ("DATABASE_URL", "sqlite://"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", "sqlite:///lms.db?timeout=soon"),
    ("DATABASE_URL", "sqlite:///file::memory:?uri=true"),
    ("DATABASE_URL", "postgresql://localhost:port/lms"),
    ("DATABASE_URL", "postgresql://one:5432,two:port/lms"),
    ("DATABASE_URL", "postgresql://one,two/lms?port=1,2,3"),
    ("DATABASE_URL", "postgresql://one/lms?target_session_attrs=writable"),
    ("DATABASE_URL", "postgresql://one/lms?targetsessionattrs=read-write"),
    ("DATABASE_URL", "postgresql://one/lms?connect_timeout=soon"),
    ("DATABASE_URL", "postgresql://one/lms?sslmode=require&sslmode=disable"),
    ("DATABASE_DIRECT_URL", "sqlite:///lms.db"),
    ("DATABASE_DIRECT_URL", "server"),
    ("DATABASE_DIRECT_URL", "postgresql://host/lms"),  # beside SQLite
    ("DATABASE_READ_URL", "sqlite:///lms.db"),
    ("DATABASE_READ_URL", "postgresql://one/lms?connect_timeout=soon"),
    ("DATABASE_READ_URL", "postgresql://host/lms"),  # beside SQLite
    ("LMS_FILES_BUCKET", "school-files"),
    ("LMS_FILES_BUCKET", "s3://"),
    ("LMS_FILES_BUCKET", "s3://School"),
    ("LMS_FILES_BUCKET", "s3://school-files/a b"),
    ("LMS_FILES_BUCKET", "https://school-files"),
    ("LMS_FILES_BUCKET", "s3://school-files/.."),
    ("LMS_FILES_BUCKET", "s3://school-files/."),
    ("LMS_FILES_BUCKET", "s3://school-files/.hidden/a"),
    ("LMS_FILES_BUCKET", "s3://a..b"),
    ("LMS_ENV", "staging"),
    ("LMS_POLL_SECONDS", "0"),
    ("LMS_POLL_SECONDS", "soon"),
    ("LMS_POLL_SECONDS", "1.5"),
    ("LMS_POLL_SECONDS", "-1"),
    ("LMS_POLL_SECONDS", "86401"),
    ("LMS_POLL_SECONDS", "²"),
    ("LMS_AUTO_FIX_SECONDS", "-1"),
    ("LMS_POLL_SECONDS", "9" * 5000),
    ("LMS_LOGIN_LIMIT", "many"),
    ("LMS_LOGIN_LIMIT", "0 per minute"),
    ("LMS_LOGIN_LIMIT", "10 per 9999999 years"),
    ("LMS_LOGIN_LIMIT", "10 per minute; 5 per hour"),
    ("LMS_REGISTRATION", "Everybody"),
    ("LMS_REGISTRATION", "open,closed"),
    ("LMS_REGISTRATION", "example.org,,"),
    ("LMS_REGISTRATION", "@example.org"),
    ("LMS_REGISTRATION", "example.org school.example"),
    ("LMS_REGISTRATION", "*.example.org"),
    ("STRIPE_API_BASE", "ftp://stripe"),
    ("STRIPE_API_BASE", "https://"),
    ("STRIPE_API_BASE", "http://127.0.0.1:port"),
    ("STRIPE_API_BASE", "http://127.0.0.1:99999"),
    ("STRIPE_API_BASE", "http://127.0.0.1\n"),
    ("PUBLIC_URL", "school.example.org"),
    ("STRIPE_SECRET_KEY", " sk_test "),
    ("SECRET_KEY", "new\nline"),
    ("LMS_CHEAP_HASHES", "maybe"),
    ("TRUSTED_PROXIES", "six"),
    ("TRUSTED_PROXIES", "6"),
    ("HOST", " 127.0.0.1"),
    ("PORT", "http"),
    ("PORT", "0"),
    ("PORT", "65536"),
    ("WORKERS", "-1"),
    ("WORKERS", "65"),
    ("WORKERS", "many"),
    ("DEMO", "maybe"),
    ("SCHOOL_NAME", "Hill\nSchool"),
    ("MAIL_URL", "http://mail.example.org"),
    ("MAIL_URL", "smtp+tls://mail.example.org"),
    ("SECRET_KEY", "one,two,three"),
]


def test_a_portal_without_any_setting_has_defaults(tmp_path: Path) -> None:
    settings = config.load(str(tmp_path))
    assert settings["LMS_ENV"] == "development"
    assert settings["LMS_POLL_SECONDS"] == 15
    assert settings["LMS_AUTO_FIX_SECONDS"] == 300
    assert settings["LMS_LOGIN_LIMIT"] == "10 per minute"
    assert settings["STRIPE_SECRET_KEY"] is None
    assert settings["DATABASE_URL"] == f"sqlite:///{tmp_path}/lms.db"


def test_the_environment_wins_over_the_file_and_overrides_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.py").write_text("LMS_POLL_SECONDS = 3\nLMS_AUTO_FIX_SECONDS = 4\n")
    assert config.load(str(tmp_path))["LMS_POLL_SECONDS"] == 3
    monkeypatch.setenv("LMS_POLL_SECONDS", "5")
    assert config.load(str(tmp_path))["LMS_POLL_SECONDS"] == 5
    settings = config.load(str(tmp_path), {"LMS_POLL_SECONDS": 7})
    assert (settings["LMS_POLL_SECONDS"], settings["LMS_AUTO_FIX_SECONDS"]) == (7, 4)


@pytest.mark.parametrize("place", ["environment", "file"])
@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_bad_value_stops_start_up_with_one_line_that_names_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str, place: str
) -> None:
    if place == "environment":
        monkeypatch.setenv(key, value)
    else:
        (tmp_path / "config.py").write_text(f"{key} = {value!r}\n")
    with pytest.raises(ConfigError, match=f"^{key} [^\n]+$"):
        config.load(str(tmp_path))


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("postgresql://u:p%40ss@host:5433/lms", "postgresql+psycopg://u:p%40ss@host:5433/lms"),
        ("postgres://host/lms?sslmode=require", "postgresql+psycopg://host/lms?sslmode=require"),
        ("postgresql+psycopg://host/lms", "postgresql+psycopg://host/lms"),
        ("sqlite:////var/lib/lms.db", "sqlite:////var/lib/lms.db"),
    ],
)
def test_addresses_of_databases(tmp_path: Path, given: str, understood: str) -> None:
    assert config.load(str(tmp_path), {"DATABASE_URL": given})["DATABASE_URL"] == understood


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("closed", "closed"),
        ("Example.ORG", "example.org"),
        ("school.local, xn--bcher-kva.example", "school.local,bücher.example"),
    ],
)
def test_who_may_register(tmp_path: Path, given: str, understood: str) -> None:
    settings = config.load(str(tmp_path), {"LMS_REGISTRATION": given})
    assert settings["LMS_REGISTRATION"] == understood


def test_zero_switches_auto_fix_off(tmp_path: Path) -> None:
    assert config.load(str(tmp_path), {"LMS_AUTO_FIX_SECONDS": "0"})["LMS_AUTO_FIX_SECONDS"] == 0


@pytest.mark.parametrize("nothing", ["None", "''"])
def test_an_empty_setting_is_no_setting(tmp_path: Path, nothing: str) -> None:
    (tmp_path / "config.py").write_text(
        f"STRIPE_SECRET_KEY = {nothing}\nSECRET_KEY = {nothing}\nLMS_POLL_SECONDS = {nothing}\n"
    )
    settings = config.load(str(tmp_path))
    assert settings["STRIPE_SECRET_KEY"] is None
    assert len(str(settings["SECRET_KEY"])) >= config.MINIMUM_SECRET_LENGTH
    assert settings["LMS_POLL_SECONDS"] == 15


def test_a_misspelt_setting_in_the_file_stops_start_up(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("LMS_POL_SECONDS = 3\n")
    with pytest.raises(ConfigError, match="LMS_POL_SECONDS"):
        config.load(str(tmp_path))


def test_a_file_that_cannot_be_read_stops_start_up(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text("LMS_ENV = \n")
    with pytest.raises(ConfigError, match=r"instance/config.py"):
        config.load(str(tmp_path))


def test_production_needs_a_secret_of_some_length(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^SECRET_KEY"):
        config.load(str(tmp_path), {"LMS_ENV": "production"})
    with pytest.raises(ConfigError, match=r"^SECRET_KEY .* 32"):
        config.load(str(tmp_path), {"LMS_ENV": "production", "SECRET_KEY": KEY[1:]})
    settings = config.load(str(tmp_path), {"LMS_ENV": "production", "SECRET_KEY": KEY})
    assert settings["SECRET_KEY"] == KEY
    assert not (tmp_path / "secret_key").exists()


def _production(tmp_path: Path, **given: object) -> dict[str, object]:
    return config.load(str(tmp_path), {"LMS_ENV": "production", "SECRET_KEY": KEY, **given})


@pytest.mark.parametrize("key", ["a" * 32, "ab" * 40, "password" * 8, "0123456789" * 4, "01" * 64])
def test_production_refuses_a_secret_that_repeats_itself(tmp_path: Path, key: str) -> None:
    with pytest.raises(ConfigError, match=r"^SECRET_KEY repeats [^\n]+$"):
        _production(tmp_path, SECRET_KEY=key)
    with pytest.raises(ConfigError, match=r"^SECRET_KEY repeats [^\n]+$"):
        _production(tmp_path, SECRET_KEY=f"{KEY},{key}")
    assert config.load(str(tmp_path), {"SECRET_KEY": key})["SECRET_KEY"] == key


def test_a_secret_may_be_two_while_it_is_rotated(tmp_path: Path) -> None:
    for given, old in ((f"{KEY}, {OTHER}", [OTHER]), (KEY, [])):
        settings = _production(tmp_path, SECRET_KEY=given)
        assert (settings["SECRET_KEY"], settings["SECRET_KEY_FALLBACKS"]) == (KEY, old)
        assert config.signing_keys(settings) == [*old, KEY]
    for given in (f"{KEY},{OTHER[1:]}", f"{KEY},", f",{KEY}", f"{KEY},{OTHER},{KEY}"):
        with pytest.raises(ConfigError, match=r"^SECRET_KEY must [^\n]+$"):
            _production(tmp_path, SECRET_KEY=given)


def test_production_does_not_run_in_debug_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    with pytest.raises(ConfigError, match=r"^FLASK_DEBUG [^\n]+$"):
        _production(tmp_path)
    config.load(str(tmp_path))
    monkeypatch.setenv("FLASK_DEBUG", "0")
    _production(tmp_path)
    (tmp_path / "config.py").write_text("DEBUG = True\n")
    with pytest.raises(ConfigError, match=r"^DEBUG [^\n]+$"):
        _production(tmp_path)


@pytest.mark.parametrize("host", ["stripe.example.org", "10.0.0.1", "localhost.example.org"])
def test_production_calls_stripe_in_clear_on_this_machine_alone(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match=r"^STRIPE_API_BASE [^\n]+$"):
        _production(tmp_path, STRIPE_API_BASE=f"http://{host}:12111")
    _production(tmp_path, STRIPE_API_BASE=f"https://{host}")
    config.load(str(tmp_path), {"STRIPE_API_BASE": f"http://{host}"})
    for local in ("localhost", "127.0.0.1:12111", "[::1]:12111"):
        _production(tmp_path, STRIPE_API_BASE=f"http://{local}")


def test_production_needs_the_webhook_secret_beside_the_stripe_key(tmp_path: Path) -> None:
    given = {"LMS_ENV": "production", "SECRET_KEY": KEY, "STRIPE_SECRET_KEY": "sk_live"}
    with pytest.raises(ConfigError, match=r"^STRIPE_WEBHOOK_SECRET"):
        config.load(str(tmp_path), given)
    config.load(str(tmp_path), {**given, "STRIPE_WEBHOOK_SECRET": "whsec"})


def test_a_bucket_needs_both_its_keys_or_neither(tmp_path: Path) -> None:
    given = {"LMS_FILES_BUCKET": "s3://school-files"}
    both = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    for one, other in (both, both[::-1]):
        with pytest.raises(ConfigError, match=f"^{other} must be set"):
            config.load(str(tmp_path), {**given, one: "key"})
    config.load(str(tmp_path), {**given, **dict.fromkeys(both, "key")})
    config.load(str(tmp_path), given)


BAD_BESIDE_A_BUCKET = [
    ("AWS_ENDPOINT_URL_S3", "minio:9000"),
    ("AWS_ENDPOINT_URL_S3", "http://user:word-of-a-pass@minio:9000"),
    ("AWS_ENDPOINT_URL_S3", "https://word-of-a-pass@minio"),
    ("AWS_ENDPOINT_URL_S3", "https://minio/files?part=1"),
    ("AWS_ENDPOINT_URL_S3", "https://minio/#files"),
    ("AWS_ENDPOINT_URL_S3", "https://minio/../files"),
    ("AWS_ENDPOINT_URL_S3", "https://minio//files"),
    ("AWS_ENDPOINT_URL_S3", "https://$HOST"),
    ("AWS_ENDPOINT_URL_S3", "HTTPS://minio"),
    ("AWS_REGION", "eu central"),
    ("AWS_REGION", "eu-central-1/"),
]


@pytest.mark.parametrize(("key", "value"), BAD_BESIDE_A_BUCKET)
def test_what_leads_to_a_bucket_is_judged_where_there_is_one_and_shows_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str
) -> None:
    monkeypatch.setenv(key, value)  # for another program of this machine
    assert config.load(str(tmp_path))[key] is None
    with pytest.raises(ConfigError, match=f"^{key} [^\n]+$") as refused:
        config.load(str(tmp_path), {"LMS_FILES_BUCKET": "s3://school-files"})
    assert "word-of-a-pass" not in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("LMS_FILES_BUCKET", "s3://school.files-2/portal/2026_a.b"),
        ("AWS_ENDPOINT_URL_S3", "http://[::1]:9000/storage/v1/s3"),
        ("AWS_REGION", "auto"),
    ],
)
def test_what_leads_to_a_bucket_may_have_many_forms(tmp_path: Path, key: str, value: str) -> None:
    given = {"LMS_FILES_BUCKET": "s3://school-files"} | {key: f"{value}"}
    assert config.load(str(tmp_path), given)[key] == value


def test_production_refuses_the_cheap_hashes_of_tests(tmp_path: Path) -> None:
    given = {"LMS_ENV": "production", "SECRET_KEY": KEY, "LMS_CHEAP_HASHES": "1"}
    with pytest.raises(ConfigError, match=r"^LMS_CHEAP_HASHES"):
        config.load(str(tmp_path), given)


@pytest.mark.parametrize("given", [{}, {"DEMO": "0"}])
def test_production_has_no_demo(tmp_path: Path, given: dict[str, object]) -> None:
    production = {"LMS_ENV": "production", "SECRET_KEY": KEY}
    assert config.load(str(tmp_path), production | given)["DEMO"] is False
    with pytest.raises(ConfigError, match=r"^DEMO"):
        config.load(str(tmp_path), production | {"DEMO": "1"})


def test_the_demo_is_loaded_elsewhere_unless_it_is_switched_off(tmp_path: Path) -> None:
    assert config.load(str(tmp_path))["DEMO"] is True
    assert config.load(str(tmp_path), {"DEMO": "0"})["DEMO"] is False


def test_a_wrong_setting_ends_a_command_before_it_has_done_anything(tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'lms.db'}"
    ended = subprocess.run(
        [sys.executable, "-m", "flask", "serve"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database, "WORKERS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "Configuration error: WORKERS must be a whole number from 1 to 64\n"
    assert list(tmp_path.iterdir()) == []


def test_the_readme_names_every_setting_with_its_default() -> None:
    table = (ROOT / "README.md").read_text().partition("## Settings")[2].partition("## ")[0]
    named: dict[str, str] = {}
    for line in table.splitlines():
        _, keys, default, *_ = (*line.split("|"), "", "")
        named.update(
            {key: default.strip().strip("`") for key in re.findall(r"`([A-Z0-9_]+)`", keys)}
        )
    assert named.keys() == config.SETTINGS.keys()
    for key, setting in config.SETTINGS.items():
        if setting.default is not None and setting.default is not False:
            assert named[key] == str(setting.default)


def test_documents_name_no_setting_that_does_not_exist() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("**/*.md")):
        said = re.findall(r"\b(?:LMS|STRIPE|MAIL|DATABASE|SECRET)_[A-Z_]+", document.read_text())
        assert set(said) - {"LMS_TEST_KILLS"} <= config.SETTINGS.keys(), document


def test_a_development_secret_is_made_once_for_all_workers(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    with ThreadPoolExecutor(8) as workers:
        keys = set(workers.map(lambda _: config.load(str(folder))["SECRET_KEY"], range(8)))
    assert len(keys) == 1
    assert [path.name for path in folder.iterdir()] == ["secret_key"]
    if os.name == "posix":
        assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600
