"""Starts services in place of Google's, Apple's and a browser's, and a server that wakes devices by them.

Each service checks requests by libraries that share no code with the server.
"""

import asyncio
import base64
import datetime
import ipaddress
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import http_ece
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypercorn.asyncio import serve
from hypercorn.config import Config

TOPIC, KEY_ID, TEAM_ID = "org.example.chat", "KEY4567890", "TEAM567890"
EMAIL, PROJECT, CONTACT = "push@example.iam.gserviceaccount.com", "fluent-test", "mailto:ops@example.org"
PASSWORD = "correct horse battery staple"
DEVICE_TOKEN = "ab" * 32

passed, failed = 0, 0
seen = {}


def check(what, is_good, detail=""):
    """Counts a check, and says which has failed."""
    global passed, failed
    if is_good:
        passed += 1
    else:
        failed += 1
    print(f"{'ok' if is_good else 'FAILED'}: {what} {'' if is_good else detail}", flush=True)


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def certificates(directory):
    """Makes an authority, and a certificate for this machine that it has signed."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def build(subject, key, issuer, signer, extensions):
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        builder = builder.not_valid_after(now + datetime.timedelta(days=2))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, hashes.SHA256())

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of a test")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    ca = build(ca_name, ca_key, ca_name, ca_key, [(x509.BasicConstraints(True, None), True)])
    own = build(name, key, ca_name, ca_key, [(x509.SubjectAlternativeName(names), False)])
    (directory / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (directory / "cert.pem").write_bytes(own.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_text(pem(key))


class Services:
    """Google's token endpoint and FCM, Apple's service, and one of Web Push, at one port."""

    def __init__(self, port):
        self.url = f"https://localhost:{port}"
        self.google = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.apple = ec.generate_private_key(ec.SECP256R1())
        self.browser = ec.generate_private_key(ec.SECP256R1())
        self.auth = os.urandom(16)

    def account(self):
        return {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "1",
            "private_key": pem(self.google),
            "client_email": EMAIL,
            "token_uri": f"{self.url}/token",
        }

    def subscription(self):
        point = self.browser.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return {
            "provider": "webpush",
            "endpoint": f"{self.url}/push/1",
            "keys": {"p256dh": base64url(point), "auth": base64url(self.auth)},
        }

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        try:
            status, answer = self.answer(scope["path"], headers, body, scope["http_version"])
        except Exception as error:  # A request that the library refuses is one that the service would refuse.
            check(scope["path"], False, repr(error))
            status, answer = 400, {}
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def answer(self, path, headers, body, version):
        if path == "/token":
            return self.token(headers, body)
        if path == f"/v1/projects/{PROJECT}/messages:send":
            return self.fcm(headers, body)
        if path.startswith("/3/device/"):
            return self.apns(path, headers, body, version)
        return self.webpush(headers, body)

    def token(self, headers, body):
        form = urllib.parse.parse_qs(body.decode(), strict_parsing=True)
        check("the form of the assertion", form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"])
        claims = jwt.decode(
            form["assertion"][0], self.google.public_key(), algorithms=["RS256"], audience=f"{self.url}/token",
            issuer=EMAIL, options={"require": ["exp", "iat", "iss", "aud"]},
        )
        check("the scope", claims["scope"] == "https://www.googleapis.com/auth/firebase.messaging")
        check("an assertion of an hour", claims["exp"] - claims["iat"] == 3600)
        return 200, {"access_token": "ya29.test", "expires_in": 3599, "token_type": "Bearer"}

    def fcm(self, headers, body):
        message = json.loads(body)["message"]
        check("the access token", headers["authorization"] == "Bearer ya29.test")
        check("a message of data alone", sorted(message) == ["android", "data", "token"], message)
        check("values of data are texts", all(isinstance(value, str) for value in message["data"].values()))
        seen["fcm"] = message["data"]["w"]
        return 200, {"name": f"projects/{PROJECT}/messages/1"}

    def apns(self, path, headers, body, version):
        check("HTTP/2 for Apple", version == "2", version)
        token = headers["authorization"].removeprefix("bearer ")
        claims = jwt.decode(token, self.apple.public_key(), algorithms=["ES256"], issuer=TEAM_ID)
        check("the key's id", jwt.get_unverified_header(token)["kid"] == KEY_ID)
        check("an iat of the half hour", claims["iat"] % 1800 == 0 and time.time() - claims["iat"] < 3600)
        check("the topic and the device", headers["apns-topic"] == TOPIC and path.endswith(DEVICE_TOKEN))
        payload = json.loads(body)
        check("an alert that an extension replaces", payload["aps"]["mutable-content"] == 1, payload)
        seen["apns"] = payload["w"]
        return 200, {}

    def webpush(self, headers, body):
        scheme, parameters = headers["authorization"].split(" ", 1)
        parameters = dict(part.strip().split("=", 1) for part in parameters.split(","))
        point = from_base64url(parameters["k"])
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        claims = jwt.decode(parameters["t"], key, algorithms=["ES256"], audience=self.url)
        left = claims["exp"] - time.time()
        check("the token of Web Push", scheme == "vapid" and claims["sub"] == CONTACT and 0 < left <= 86400, claims)
        check("230 bytes", len(body) == 230 and headers["content-length"] == "230", len(body))
        text = http_ece.decrypt(body, private_key=self.browser, auth_secret=self.auth, version="aes128gcm")
        wake = json.loads(text)
        check("the text for the browser", sorted(wake) == ["t", "w"] and wake["t"] == "wake", text)
        check("the headers", (headers["ttl"], headers["urgency"], headers["topic"]) == ("2419200", "high", "wake"))
        seen["webpush"] = wake["w"]
        return 201, {}


def request(url, method, path, body=None, token=None):
    """Asks the server. Returns status and answer."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url + path, data=data, method=method)
    asked.add_header("Content-Type", "application/json")
    if token:
        asked.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wake(url, services):
    """Registers a device of each provider, and wakes it."""
    user = {"username": "alice", "email": "alice@example.org", "password": PASSWORD, "public_key": "AAAA"}
    request(url, "POST", "/auth/register", user)
    status, tokens = request(url, "POST", "/auth/login", {"username": "alice", "password": PASSWORD})
    check("a login", status == 200, tokens)
    token = tokens["access_token"]
    status, offers = request(url, "GET", "/push/config", token=token)
    check("all providers are offered", status == 200 and sorted(offers) == ["apns", "fcm", "webpush"], offers)
    apple = {"provider": "apns", "token": DEVICE_TOKEN, "topic": TOPIC, "environment": "production", "style": "alert"}
    devices = {"fcm": {"provider": "fcm", "token": "device-1"}, "apns": apple, "webpush": services.subscription()}
    for provider, body in devices.items():
        status, answer = request(url, "PUT", f"/push/targets/{provider}-device", body, token)
        check(f"{provider} is registered", status == 201, answer)
        status, answer = request(url, "POST", f"/push/targets/{provider}-device/test", token=token)
        check(f"{provider} takes the wake-up", status == 200 and answer["outcome"] == "accepted", answer)
        check(f"{provider} was woken", len(seen.get(provider, "")) == 16, seen)


def free_port():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


async def main(program):
    with tempfile.TemporaryDirectory() as name:
        directory, port, own_port = Path(name), free_port(), free_port()
        certificates(directory)
        services = Services(port)
        (directory / "account.json").write_text(json.dumps(services.account()))
        (directory / "AuthKey.p8").write_text(pem(services.apple))
        config = Config()
        config.bind = [f"127.0.0.1:{port}"]
        config.certfile, config.keyfile = str(directory / "cert.pem"), str(directory / "key.pem")
        config.alpn_protocols = ["h2", "http/1.1"]
        stop = asyncio.Event()
        serving = asyncio.create_task(serve(services, config, shutdown_trigger=stop.wait))
        environment = {
            "SERVER__LISTEN": f"127.0.0.1:{own_port}",
            "SERVER__DATA_DIR": str(directory / "data"),
            "ADMIN__LISTEN": "127.0.0.1:0",
            "LIMITS__ENABLED": "false",
            "PUSH__CA_FILE": str(directory / "ca.pem"),
            "PUSH__FCM__SERVICE_ACCOUNT_FILE": str(directory / "account.json"),
            "PUSH__FCM__ENDPOINT": services.url,
            "PUSH__APNS__KEY_FILE": str(directory / "AuthKey.p8"),
            "PUSH__APNS__KEY_ID": KEY_ID,
            "PUSH__APNS__TEAM_ID": TEAM_ID,
            "PUSH__APNS__TOPICS": TOPIC,
            "PUSH__APNS__ENDPOINT": services.url,
            "PUSH__WEBPUSH__CONTACT": CONTACT,
            "PUSH__WEBPUSH__ALLOW": f"localhost:{port}",
        }
        environment = {f"FLUENT__{name}": value for name, value in environment.items()}
        log = (directory / "log").open("w+")
        server = subprocess.Popen([program], env=os.environ | environment, stdout=log, stderr=log, cwd=directory)
        try:
            url = f"http://127.0.0.1:{own_port}"
            for _ in range(200):
                try:
                    if await asyncio.to_thread(request, url, "GET", "/openapi.json"):
                        break
                except OSError:
                    await asyncio.sleep(0.1)
            await asyncio.to_thread(wake, url, services)
        finally:
            server.terminate()
            server.wait(30)
            stop.set()
            await asyncio.wait([serving], timeout=5)
            if failed:
                log.seek(0)
                print(log.read())


asyncio.run(main(sys.argv[1]))
print(f"{passed} passed, {failed} failed")
sys.exit(1 if failed or not passed else 0)
