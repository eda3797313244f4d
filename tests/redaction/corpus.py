"""What has to be hidden, and what must not be: composed when asked for, so that no scanner finds keys here.

The random parts are always the same ones, by a fixed seed.
"""

from __future__ import annotations

import base64
import html
import json
import random
import re
import shlex
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

_ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_URL64 = _ALNUM + "-_"
_KINDS = (string.ascii_uppercase, string.ascii_lowercase, string.digits)


@dataclass(frozen=True)
class Told:
    """A text with something that may not be shown."""

    id: str
    text: str
    gone: tuple[str, ...]
    """Pieces of which none may be left."""
    environ: dict[str, str] = field(default_factory=dict)
    """What the run knows its secrets from."""


class _Maker:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def some(self, alphabet: str, count: int) -> str:
        """Always with a capital, a small letter and a digit, if the alphabet has them."""
        while True:
            made = "".join(self._random.choices(alphabet, k=count))
            if all(set(made) & set(kind) or not set(alphabet) & set(kind) for kind in _KINDS) and made[-1] in _ALNUM:
                return made


NAMES = re.findall(
    r"\S+",
    """
    PASSWORD DB_PASSWORD DB_PASS DB_PWD MYSQL_PWD PGPASSWORD MYSQL_ROOT_PASSWORD REDIS_PASSWORD SMTP_PASS NEXUS_PSW
    ARTIFACTORY_PSW NEXUS_PASS GITHUB_PAT AZURE_DEVOPS_EXT_PAT GH_TOKEN GITHUB_TOKEN GITLAB_TOKEN CI_JOB_TOKEN
    NPM_TOKEN NPMTOKEN TWINE_PASSWORD UV_PUBLISH_TOKEN UV_INDEX_INTERNAL_PASSWORD POETRY_HTTP_BASIC_INTERNAL_PASSWORD
    AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AZURE_CLIENT_SECRET AZURE_STORAGE_KEY AZURE_STORAGE_SAS_TOKEN
    ARM_ACCESS_KEY GOOGLE_API_KEY GCP_SA_KEY SSH_KEY SSH_PRIVATE_KEY DEPLOY_KEY SIGNING_KEY ENCRYPTION_KEY
    SECRET_KEY_BASE DJANGO_SECRET_KEY FLASK_SECRET JWT_SECRET STRIPE_API_KEY SENDGRID_API_KEY TWILIO_AUTH_TOKEN
    DD_API_KEY NEW_RELIC_LICENSE_KEY HEROKU_API_KEY DOCKERHUB_PASS REGISTRY_AUTH NPM_CONFIG__AUTH SONAR_TOKEN
    VAULT_TOKEN CONSUL_HTTP_TOKEN JFROG_ACCESS_TOKEN ARTIFACTORY_APIKEY OPENAI_API_KEY ANTHROPIC_API_KEY HF_TOKEN
    WANDB_API_KEY DATABRICKS_TOKEN SNOWFLAKE_PASSWORD SNOWSQL_PWD SNOWFLAKE_PRIVATE_KEY_PASSPHRASE AUTHORIZATION
    HTTP_AUTHORIZATION COOKIE SESSION_COOKIE X_API_KEY BEARER_TOKEN BASIC_AUTH SVC_CREDENTIALS LDAP_BIND_PW
    LDAP_BINDPW ANSIBLE_VAULT_PASS GPG_PASSPHRASE KEYSTORE_PASS SSHPASS API_TOKEN_PROD DB_PASSWORD_2
    TF_VAR_db_password clientSecret deployCreds APP_KEY SERVICE_KEY ACCESS_KEY MAVEN_PSW svn_pwd QUAY_CRED
    """,
)
WEBHOOKS = ["SLACK_WEBHOOK_URL", "TEAMS_WEBHOOK", "DISCORD_WEBHOOK_URL", "ALERT_WEBHOOK_URI", "MATTERMOST_WEBHOOK"]
CONNECTIONS = [
    ("DATABASE_URL", "postgres://app:{}@db.example:5432/app?sslmode=require"),
    ("SQLALCHEMY_DATABASE_URI", "mysql+pymysql://app:{}@db.example/app"),
    ("SENTRY_DSN", "https://{}@o1.ingest.example/42"),
    ("MONGO_URI", "mongodb://app:{}@a.example:27017,b.example:27017/x"),
    ("REDIS_URL", "redis://:{}@cache.example:6379/0"),
    ("CELERY_BROKER_URL", "amqp://guest:{}@mq.example//"),
    ("AZURE_STORAGE_CONNECTION_STRING", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={};EndpointSuffix=x"),
    ("SERVICEBUS_CONNECTION_STRING", "Endpoint=sb://a.example/;SharedAccessKeyName=Root;SharedAccessKey={}"),
    ("SQL_CONNECTION_STRING", "Server=tcp:db.example,1433;User ID=app;Password={};Encrypt=True"),
    ("ODBC_CONNSTR", "Driver={{PG}};Server=h;Uid=app;Pwd={};"),
    ("MYSQL_DSN", "app:{}@tcp(db.example:3306)/app"),
    ("PG_DSN", "host=db.example dbname=app user=app password={}"),
    ("SPRING_OPTS", "-Dspring.datasource.password={} -Xmx1g"),
    ("PIP_EXTRA_INDEX_URL", "https://a.example/simple https://ci:{}@b.example/simple"),
    ("DOCKER_AUTH_CONFIG", '{{"auths": {{"r.example": {{"username": "ci", "password": "{}"}}}}}}'),
    ("GOOGLE_CREDENTIALS", '{{"type": "service_account", "client_email": "a@b.example", "client_secret": "{}"}}'),
]


def by_name() -> Iterator[Told]:
    """Values of variables, met in a text that says nothing of them."""
    make = _Maker(1)
    for name in NAMES:
        value = make.some(_ALNUM, 14)
        yield Told(f"name {name}", f"could not open {value} there", (value,), {name: value})
    for name in WEBHOOKS:
        key = make.some(_ALNUM, 24)
        url = f"https://chat.example/in/{key}"
        yield Told(f"name {name}", f"url: /in/{key} and {url}", (key,), {name: url})
    for name, form in CONNECTIONS:
        value = make.some(_ALNUM, 18)
        yield Told(f"connection {name}", f"said {value}!", (value,), {name: form.format(value)})
    listed = "MY_THING, TEAM_*\nOTHER?"
    for name in ("MY_THING", "TEAM_STUFF", "OTHER1"):
        value = make.some(string.ascii_lowercase, 6)
        yield Told(f"listed {name}", f"said {value}!", (value,), {"VENVBUILD_SECRET_NAMES": listed, name: value})


def by_shape() -> Iterator[Told]:
    """What nobody told, in the surroundings in which it is met."""
    make = _Maker(2)
    a, h, u = _ALNUM, _HEX, _URL64
    tokens: dict[str, list[str | tuple[str, int]]] = {
        "gitlab": ["glpat-", (u, 20)],
        "gitlab new": ["glpat-", (u, 30), ".01.", (h, 9)],
        "gitlab runner": ["glrt-", (u, 20)],
        "gitlab deploy": ["gldt-", (u, 20)],
        "gitlab job": ["glcbt-64_", (u, 20)],
        "gitlab trigger": ["glptt-", (h, 40)],
        "github": ["ghp_", (a, 36)],
        "github app": ["ghs_", (a, 36)],
        "github fine": ["github_pat_", (a, 22), "_", (a, 59)],
        "databricks": ["dapi", (h, 32)],
        "databricks azure": ["dapi", (h, 32), "-2"],
        "npm": ["npm_", (a, 36)],
        "hugging face": ["hf_", (string.ascii_letters, 34)],
        "openai": ["sk-", (a, 20), "T3Blbk" + "FJ", (a, 20)],
        "openai project": ["sk-proj-", (u, 74), "T3Blbk" + "FJ", (u, 74)],
        "openai service": ["sk-svcacct-", (u, 60)],
        "anthropic": ["sk-ant-api03-", (u, 93), "AA"],
        "anthropic admin": ["sk-ant-admin01-", (u, 93), "AA"],
        "openrouter": ["sk-or-v1-", (h, 64)],
        "deepseek": ["sk-", (h, 32)],
        "jfrog": ["AKCp8", (a, 68)],
        "jfrog reference": ["cmVmd", "GtuOjAx", (a, 52)],
        "jfrog password": ["AP6", (a, 30)],
        "vault": ["hvs.", (u, 90)],
        "vault short": ["hvs.", (u, 24)],
        "vault batch": ["hvb.", (u, 138)],
        "vault old": ["s.", (a, 24)],
        "google": ["AI" + "za", (u, 35)],
        "google oauth": ["ya" + "29.", (u, 60)],
        "google secret": ["GOCSPX-", (u, 28)],
        "slack bot": ["xoxb-", "123456789012-", "1234567890123-", (a, 24)],
        "slack app": ["xapp-1-A0-12-", (h, 64)],
        "aws": ["AK" + "IA", (string.ascii_uppercase + string.digits, 16)],
        "stripe": ["sk_li" + "ve_", (a, 24)],
        "sendgrid": ["SG.", (u, 22), ".", (u, 43)],
        "pypi": ["pypi-AgEI" + "cHlwaS5vcmcC", (u, 80)],
        "twilio": ["SK", (h, 32)],
        "docker": ["dckr_pat_", (u, 27)],
        "entra": [(a, 3), "8Q~", (a, 34)],
        "digitalocean": ["dop_v1_", (h, 64)],
        "jwt": ["ey" + "JhbGciOiJIUzI1NiJ9.", "ey", (u, 30), ".", (u, 40)],
        "grafana": ["glsa_", (a, 32), "_", (h, 8)],
        "terraform": [(a, 14), ".atlas" + "v1.", (a, 67)],
        "atlassian": ["ATATT3xFf", "GF0", (u, 80), "=", "0A1B2C3D"],
        "sonar": ["squ_", (h, 40)],
        "telegram": ["123456789:AA", (u, 33)],
        "age": ["AGE-SECRET-KEY-1", (string.ascii_uppercase + string.digits, 58)],
    }
    around = ["{}", "error: {} was refused", 'x = "{}"', "https://h.example/?x={}&y=1", "[{}]", "\\n{}\\n", "a%3D{}"]
    for index, (name, parts) in enumerate(tokens.items()):
        made = "".join(part if isinstance(part, str) else make.some(*part) for part in parts)
        yield Told(f"token {name}", around[index % len(around)].format(made), (made[-12:],))
    for name, form, alphabet, count in _FORMS:
        made = make.some(alphabet, count)
        yield Told(f"shape {name}", form.replace("@@", made), (made,))
    yield from _keys(make)


_FORMS = [
    ("azure sas", "https://a.blob.core.windows.net/c/f?sv=2024&se=2026&sr=b&sp=r&sig=@@%3D", _ALNUM, 40),
    ("azure sas html", "https://a.blob.core.windows.net/c/f?sv=2024&amp;sig=@@", _ALNUM, 40),
    ("account key", "AccountName=a;AccountKey=@@==;EndpointSuffix=core", _ALNUM + "+/", 86),
    ("shared access key", "SharedAccessKeyName=x;SharedAccessKey=@@=", _ALNUM + "+/", 43),
    ("slack webhook", "https://hooks.slack.com/services/T00000000/B00000000/@@", _ALNUM, 24),
    ("slack workflow", "https://hooks.slack.com/triggers/E0/1234/@@", _HEX, 32),
    ("slack webhook in json", r"https:\/\/hooks.slack.com\/services\/T00000000\/B00000000\/@@", _ALNUM, 24),
    ("teams webhook", "https://corp.webhook.office.com/webhookb2/0a-1b@2c-3d/IncomingWebhook/@@/0a-1b", _HEX, 32),
    (
        "teams workflow",
        "https://prod-1.westeurope.logic.azure.com:443/workflows/@@/triggers/manual",
        _HEX,
        32,
    ),
    ("discord webhook", "https://discord.com/api/webhooks/123456789012345678/@@", _URL64, 68),
    ("google chat", "https://chat.googleapis.com/v1/spaces/AAA/messages?key=k&token=@@", _URL64, 40),
    ("mattermost", "https://chat.example/hooks/@@", string.ascii_lowercase + string.digits, 26),
    ("json", '{"user": "ci", "password": "@@", "port": 1}', _ALNUM, 12),
    ("json spaces", '{"password" : "correct @@ staple"}', _ALNUM, 12),
    ("json in json", r'"{\"password\": \"@@\"}"', _ALNUM, 12),
    ("json client secret", '"client_secret":"@@"', _ALNUM, 20),
    ("json camel", '"accessToken": "@@",', _ALNUM, 20),
    ("html", "&quot;password&quot;: &quot;@@&quot;", _ALNUM, 12),
    ("repr", "{'passwd': '@@'}", _ALNUM, 12),
    ("repr of bytes", "{b'token': b'@@'}", _ALNUM, 12),
    ("ini", "password = @@", _ALNUM, 12),
    ("ini tight", "db_password=@@", _ALNUM, 12),
    ("ini word", "password = @@", string.ascii_lowercase, 9),
    ("yaml", "  password: @@", _ALNUM, 12),
    ("yaml quoted", "api_key: '@@'", _ALNUM, 32),
    ("toml", 'token = "@@"', _ALNUM, 32),
    ("properties", "spring.datasource.password=@@", _ALNUM, 12),
    ("environment", "export STRIPE_KEY=@@", _ALNUM, 24),
    ("go", 'password := "@@"', _ALNUM, 12),
    ("ruby", ":password => '@@'", _ALNUM, 12),
    ("flag", "mytool --password @@ --user x", _ALNUM, 12),
    ("flag tight", "mytool --api-key=@@", _ALNUM, 20),
    ("flag quoted", "mytool --token '@@'", _ALNUM, 20),
    ("flag in a list", "['mytool', '--password', '@@']", _ALNUM, 12),
    ("flag one dash", "java -Djavax.net.ssl.keyStorePassword=@@ -jar x", _ALNUM, 12),
    ("curl", "curl -sS -u ci:@@ https://h.example", _ALNUM, 12),
    ("wget", "wget --user ci --password=@@ https://h.example", _ALNUM, 12),
    ("sshpass", "sshpass -p @@ ssh host", _ALNUM, 12),
    ("docker login", "docker login -u ci -p @@ r.example", _ALNUM, 12),
    ("query token", "GET /x?token=@@ HTTP/1.1", _ALNUM, 20),
    ("query access token", "https://h.example/x?a=1&access_token=@@#y", _ALNUM, 20),
    ("query api key", "https://h.example/x?apikey=@@", _ALNUM, 20),
    ("query key", "https://h.example/x?key=@@", _ALNUM, 20),
    ("query escaped", "https://h.example/x?next=%2Fy%3Ftoken%3D@@", _ALNUM, 20),
    ("query private token", "https://g.example/api/v4/x?private_token=@@", _ALNUM, 20),
    ("signed", "https://b.s3.amazonaws.com/k?X-Amz-Signature=@@&x=1", _HEX, 64),
    ("signed google", "https://storage.googleapis.com/b/k?X-Goog-Signature=@@", _HEX, 64),
    ("url", "https://ci:@@@h.example/simple", _ALNUM, 12),
    ("url slash", "https://ci:ab/@@@h.example/simple", _ALNUM, 12),
    ("url token", "https://@@@h.example/simple", _ALNUM, 20),
    ("url ftp", "ftp://ci:@@@h.example/", _ALNUM, 12),
    ("url in json", r"https:\/\/ci:@@@h.example\/simple", _ALNUM, 12),
    ("url escaped", "next=https%3A%2F%2Fci%3A@@%40h.example", _ALNUM, 12),
    ("jdbc", "jdbc:postgresql://h/db?user=ci&password=@@", _ALNUM, 12),
    ("basic", "Authorization: Basic @@", _ALNUM, 24),
    ("bearer", "authorization: Bearer @@", _ALNUM, 24),
    ("bearer alone", "sent Bearer @@ to it", _ALNUM, 30),
    ("bearer in json", '"Authorization": "Bearer @@"', _ALNUM, 24),
    ("bearer of a request", "> Authorization: token @@", _ALNUM, 24),
    ("proxy authorization", "Proxy-Authorization: Basic @@", _ALNUM, 24),
    ("aws authorization", "Authorization: AWS4-HMAC-SHA256 Credential=x/y, Signature=@@", _HEX, 64),
    ("cookie", "Cookie: a=1; session=@@", _ALNUM, 24),
    ("set-cookie", "Set-Cookie: sid=@@; Path=/; HttpOnly", _ALNUM, 24),
    ("private token", "PRIVATE-TOKEN: @@", _ALNUM, 20),
    ("x api key", "X-Api-Key: @@", _ALNUM, 32),
    ("jfrog header", "X-JFrog-Art-Api-Key: @@", _ALNUM, 32),
    ("xml", "<password>@@</password>", _ALNUM, 12),
    ("xml attribute", '<add key="Password" value="@@" />', _ALNUM, 12),
    ("kubernetes", '{"name": "DB_PASSWORD", "value": "@@"}', _ALNUM, 12),
    ("npmrc", "//npm.example/:_authToken=@@", _ALNUM, 36),
    ("netrc", "machine h.example login ci password @@", _ALNUM, 12),
    ("sql", "CREATE USER ci IDENTIFIED BY '@@'", _ALNUM, 12),
    ("sql postgres", "ALTER ROLE ci WITH PASSWORD '@@'", _ALNUM, 12),
    ("spoken", "your password is @@", _ALNUM, 12),
    ("aws secret", "aws_secret_access_key = @@", _ALNUM + "/+", 40),
]


def _keys(make: _Maker) -> Iterator[Told]:
    body = [make.some(_ALNUM + "+/", 64) for _ in range(3)]
    gone = tuple(line[5:40] for line in body)
    for kind in ("RSA ", "", "OPENSSH ", "EC ", "ENCRYPTED "):
        lines = [f"-----BEGIN {kind}PRIVATE " + "KEY-----", *body, f"-----END {kind}PRIVATE " + "KEY-----"]
        yield Told(f"pem {kind}", "\n".join(["before", *lines, "after"]), gone)
    yield Told("pem in json", json.dumps({"private_key": "\n".join(lines)}), gone)
    yield Told("pem without an end", "\n".join(lines[:-1]), gone)
    encoded = base64.b64encode("\n".join(lines).encode()).decode()
    yield Told("pem in base64", f"client-key-data: {encoded}", (encoded[60:120],))
    basic = base64.b64encode(f"ci:{make.some(_ALNUM, 12)}".encode()).decode()
    yield Told("docker auth", f'"auths": {{"r.example": {{"auth": "{basic}"}}}}', (basic,))


def by_form() -> Iterator[Told]:
    """One known value, however it is written."""
    value = "pä\\s'S/w0rd+&=<\"?>x z9"
    environ = {"NEXUS_PSW": value}
    words = {
        "as it is": value,
        "url": quote(value, safe=""),
        "url with slashes": quote(value),
        "form": quote_plus(value),
        "lower-case percent": _lower_percent(quote(value, safe="")),
        "twice": quote(quote(value, safe=""), safe=""),
        "javascript": quote(value, safe="!'()*~"),
        "json": json.dumps(value),
        "json of utf-8": json.dumps(value, ensure_ascii=False),
        "json of go": json.dumps(value).replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026"),
        "json with slashes": json.dumps(value).replace("/", "\\/"),
        "json in json": json.dumps(json.dumps({"x": value})),
        "html": html.escape(value),
        "html in decimals": "".join(f"&#{ord(one)};" if not one.isalnum() else one for one in value),
        "html in hexadecimals": "".join(f"&#x{ord(one):X};" if not one.isalnum() else one for one in value),
        "xml": html.escape(value).replace("&#x27;", "&apos;"),
        "repr": repr(value),
        "repr of bytes": repr(value.encode()),
        "shell": shlex.quote(value),
        "shell in double quotes": '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"',
    }
    for name, text in words.items():
        yield Told(f"form {name}", f"it said {text} there", ("w0rd", "z9"), environ)
    for before in ("", "u:", "me:", "robot:"):
        for after in ("", "\n", ":x", "@host"):
            text = base64.b64encode(f"{before}{value}{after}".encode()).decode()
            middle = text[len(before) + 4 : len(before) + 24]
            yield Told(f"base64 of {before}.{after!r}", f"x {text} y", (middle,), environ)
    text = base64.urlsafe_b64encode(f"u:{value}".encode()).decode().rstrip("=")
    yield Told("base64 for urls", f"x {text} y", (text[8:20],), environ)
    plain = "Zq8vW3nT5mK1xR7b"
    for name, text in {
        "wrapped": "Zq8vW3nT\n5mK1xR7b",
        "wrapped and indented": "Zq8vW3nT5\n      mK1xR7b",
        "with CRLF": "Zq8v\r\nW3nT5mK1xR7b",
        "wrapped with bars": "x Zq8vW3nT5m\n  │ K1xR7b",
        "continued": "Zq8vW3nT5m\\\nK1xR7b",
    }.items():
        yield Told(name, f"it is {text} there", ("Zq8v", "R7b"), {"MY_TOKEN": plain})
    several = f"first-{plain}\nsecond+{plain[::-1]}\nthird"
    for name, text in {
        "whole": several,
        "in json": json.dumps(several),
        "escaped": quote(several),
        "a line": f"second+{plain[::-1]}",
        "a line that is indented": f"  second+{plain[::-1]}  ",
        "in base64": base64.b64encode(several.encode()).decode(),
    }.items():
        gone = (plain, plain[::-1], base64.b64encode(several.encode()).decode()[10:30])
        yield Told(f"several lines {name}", f"it is {text}", gone, {"CERT_KEY": several})


def _lower_percent(text: str) -> str:
    first, *others = text.split("%")
    return first + "".join(f"%{one[:2].lower()}{one[2:]}" for one in others)


FALSE = r"""
requirements.txt:14: pandas>=1.2 is not pinned; fix: write pandas==2.3.1
tiktoken==0.5.1
keyring==24
keyring==24.3.1
password-strength==1.0
secretstorage==3.3.3; sys_platform == "linux"
token==1.0
token>=1.0
python-secrets==1.2
azure-keyvault-secrets==4.8.0
passlib==1.7.4
django-token-auth==0.1
detect-secrets==1.5.0 --hash=sha256:68250b31bc108f665f05f0ecfb34f92423280e48e65adbb887fdf721ed909627
    --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274
sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274
sha256=RyHzke2QVB_dqsrFr5R6oNPcfSey4ejtor6JcFhsMnQ
commit 0123456789abcdef0123456789abcdef01234567
git+https://git.example/o/r@0123456789abcdef0123456789abcdef01234567
git+ssh://git@github.com/o/r
https://git@github.com/o/r
build 3f2504e0-4f89-11d3-9a0c-0305e82c3301 of 12
s3://bucket/venv-builds/venv_20250722_083000/requirements.txt
https://pypi.org/simple/six/
https://host.example:8081/repository/me@team/simple
/home/jenkins/workspace/secrets/token/password.txt
/home/ci/.cache/venvbuild/uv/archive-v0/0123456789abcdef/keyring
numpy-2.1.3-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
Downloading cryptography-43.0.1-cp39-abi3-manylinux_2_28_x86_64.whl (4.0 MB)
SyntaxError: invalid token (x.py, line 3)
error: unexpected token: '}'
unexpected token: NEWLINE at line 4
token: unexpected
token: expected an identifier
# token: rotate in May
# password: see vault
# password: <yours>
# password=${PASSWORD}
# password = $PASSWORD
password: ****
password=****
https://****@host/simple
# secret=****
# secret = xxxx
# token = None
password: None
max_tokens: 4096
max_tokens=100000
tokens=512, temperature=0.2
secret: 12
passwords=1.0.2
tokenizer: bert-base-uncased
tokenizers==0.19.1
secretary: Bob
monkey: patched
keyboard = us
key: value
cache key: linux-py311-0123456789abcdef
primary_key = id
public_key: see the docs
sort_key=created_at
the option --password is required
use --token or --api-key
  --password TEXT  the password of the index
  --token TOKEN    a token
--password-stdin
--token-file /run/secrets/token
docker build --secret id=npmrc,src=.npmrc .
Enter the password for the key:
Password:
password is required
the password was refused by the index (401)
401 Unauthorized: no credentials were given
authorization: required
Authorization is done by netrc
cookie: accepted
cookies are off
def login(password: str, token: str | None = None) -> None:
    password = getpass.getpass()
    token = os.environ["GITHUB_TOKEN"]
    client = Client(token=token, password=self.password)
    api_key = settings.API_KEY
token = next(tokens)
if token == "(":
KeyError: 'token'
TypeError: __init__() got an unexpected keyword argument 'api_key'
GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D
PYTHON_SHA256=3126f59592c9b0d798584755f2bf7b081fa1ca35ce7a6fea980108d752a05bb1
SSH_AUTH_SOCK=/tmp/ssh-XXXX/agent.123
AWS_ACCESS_KEY_ID
AWS_DEFAULT_REGION=eu-central-1
VENVBUILD_AWS_CREDENTIALS_ID=store-key
PWD=/home/jenkins/workspace/sales
OLDPWD=/home/jenkins
GOOGLE_APPLICATION_CREDENTIALS=/run/secrets/key.json
TOKEN_URL=https://login.example/oauth2/token
password_file = /etc/app/password
token_expires_in=3600
httpx 0.27.0 needs httpcore==1.*, httpcore 0.18.0 is installed
boto3==1.34.0 has requirement s3transfer<0.11.0,>=0.10.0
class sk-container-id-1 and sk-learn-estimator-html
sk-estimator-doc-link fitted
hf_transfer==0.1.8 and hf_hub_download()
npm_config_registry=https://npm.example/
Basic usage: see the manual
Bearer tokens are refused here
basic authentication
pass: 120, fail: 0
pass=true
hooks: pre-commit/pre-commit-hooks/archive/v4.5.0.tar.gz
https://github.com/pre-commit/pre-commit-hooks/archive/0123456789abcdef0123456789abcdef01234567.zip
see https://docs.example/webhooks/getting-started
https://h.example/search?key=name&page=2
https://h.example/x?code=404
key=1
uid 1000:1000, user --user 1000:1000
2026-11-29T03:12:44Z INFO create: installed 150 packages in 4.2 s
venv_20250722_083000, 2 packages, conflict free, s3://builds/team
APACHE LICENSE, version 2.0
APScheduler==3.10.4
SKLEARN_ALLOW_DEPRECATED_SKLEARN_PACKAGE_INSTALL=True
""".strip("\n").splitlines()
"""Lines of which nothing is to be hidden."""

HARMLESS = {
    "GPG_KEY": "A035C8C19219BA821ECEA86B64E628F8D684696D",
    "NGINX_GPGKEY": "573BFD6B3D8FBC641079A6ABABF5BD827BD9BF62",
    "GPG_KEYS": "05AB33110949707C93A279E3D3EFE6B686867BA6 07E48665A34DCAFAE522E5E6266191C37C037D42",
    "PWD": "/home/jenkins/workspace/sales",
    "OLDPWD": "swordfish-place",
    "NEXUS_USR": "jenkins-robot",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "SSH_AUTH_SOCK": "/tmp/ssh-4711/agent.12",
    "GOOGLE_APPLICATION_CREDENTIALS": "/run/secrets/key.json",
    "SSH_KEY": "~/.ssh/id_ed25519",
    "TLS_KEY": "certs/server-1.key",
    "TOKEN_FILE": "place-of-token-1",
    "API_KEY_PATH": "place-of-key-1",
    "VAULT_CREDENTIALS_ID": "store-key-17",
    "DB_PASSWORD": "testing",
    "REDIS_PASS": "password",
    "APP_SECRET": "changeme",
    "ADMIN_PWD": "admin",
    "PG_PASSWORD": "postgres",
    "USE_AUTH": "required",
    "REDIS_KEY": "6379",
    "MAX_TOKENS": "128000",
    "TOKEN_TTL_SECONDS": "1209600",
    "PUBLIC_KEY": "ssh-ed25519-AAAAC3Nz",
    "PRIMARY_KEY": "customer_number",
    "JOB_NAME": "nightly-build-7",
    "GIT_AUTHOR_NAME": "Ada-Lovelace-1",
    "TIKTOKEN_CACHE_DIR": "cache-of-tiktoken-1",
    "COMPASS": "north-by-northwest",
    "AUTH_TYPE": "oidc-by-proxy",
    "BUILD_TAG": "jenkins-sales-42",
}
"""Variables whose values are not to be hidden."""


def true() -> list[Told]:
    return [*by_name(), *by_shape(), *by_form()]


def false() -> list[tuple[str, dict[str, str]]]:
    """Texts, and what the run knows."""
    lines = [(line, dict[str, str]()) for line in FALSE]
    return lines + [(f"it is {value} here", {name: value}) for name, value in HARMLESS.items()]
