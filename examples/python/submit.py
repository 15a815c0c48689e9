#!/usr/bin/python3
"""Submits a heroscript to a runner, signed if a key is given, and waits for its result.

    apt-get install python3-redis python3-cryptography
    /usr/bin/python3 submit.py --runner my-hero-runner 'print("hello")'
    /usr/bin/python3 submit.py --runner my-hero-runner --key alice.key --env TAG=v2 'print(env.TAG)'

Needs the standard library, one Redis library and one curve library. The key file is one of `herojob keygen`.
Exit code: 0 finished, 1 ended as error, 124 not ended in time.
"""

import argparse
import hashlib
import json
import re
import secrets
import sys
import time
import uuid

import redis
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
JOB_TYPE = b"application/vnd.hero.job.v2"
SIGNED_FIELDS = (
    ["audience", "id", "caller_id", "context_id", "runner", "executor"]
    + ["payload", "timeout", "created_at", "expires_at", "nonce"]
)
ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def netstring(value) -> bytes:
    data = str(value).encode()
    return b"%d:%s," % (len(data), data)


def signed_bytes(job: dict) -> bytes:
    """What a signature of version 2 covers: the fields in order, then the variables by the bytes of their names."""
    variables = sorted(job.get("env_vars", {}).items(), key=lambda pair: pair[0].encode())
    values = [job.get(name, "") for name in SIGNED_FIELDS] + [len(variables)]
    values += [text for pair in variables for text in pair]
    body = b"".join(netstring(value) for value in values)
    return b"DSSEv1 %d %s %d %s" % (len(JOB_TYPE), JOB_TYPE, len(body), body)


def complete(job: dict, caller: str, audience: str) -> dict:
    """A signed job states everything that steers its run."""
    now = int(time.time())
    defaults = {"caller_id": caller, "context_id": "default", "audience": audience, "timeout": 60}
    dates = {"created_at": now, "expires_at": now + 600, "nonce": secrets.token_hex(16)}
    return {**defaults, **dates, **job}


def sign(job: dict, secret_key: str) -> dict:
    """The job with one more signature: r then s in hex, s in the lower half of the curve's order."""
    key = ec.derive_private_key(int(secret_key, 16), ec.SECP256K1())
    r, s = utils.decode_dss_signature(key.sign(signed_bytes(job), ec.ECDSA(hashes.SHA256())))
    s = min(s, CURVE_ORDER - s)
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    entry = {"public_key": point.hex(), "signature": f"{r:064x}{s:064x}"}
    return {**job, "signatures": job.get("signatures", []) + [entry]}


def submit(store: redis.Redis, job: dict) -> None:
    """First the hash, then the id into the queue, both in one step."""
    keys = f"hero:{{{job['runner']}}}"
    text = {name: json.dumps(value) if isinstance(value, (dict, list)) else value for name, value in job.items()}
    with store.pipeline(transaction=True) as pipe:
        pipe.hset(f"{keys}:job:{job['id']}", mapping=text)
        pipe.lpush(f"{keys}:queue", job["id"])
        pipe.execute()


def wait(store: redis.Redis, runner: str, job_id: str, seconds: float) -> dict:
    """The record when the job is final. The reply is turned around in place, so that others can wait for it too."""
    reply, record = f"hero:{{{runner}}}:reply:{job_id}", f"hero:{{{runner}}}:job:{job_id}"
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        store.blmove(reply, reply, timeout=max(0.1, min(2.0, end - time.monotonic())))
        fields = store.hgetall(record)
        if fields.get("status") in ("finished", "error"):
            return fields
    raise TimeoutError(f"job {job_id} has not ended after {seconds:g} s; it goes on")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--redis", default="redis://localhost:6379", metavar="URL")
    parser.add_argument("--runner", required=True)
    parser.add_argument("--key", metavar="FILE", help="sign with this key of `herojob keygen`")
    parser.add_argument("--audience", default="default")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--timeout", type=int, default=60, metavar="SECONDS")
    parser.add_argument("--wait", type=float, default=90, metavar="SECONDS")
    parser.add_argument("script")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    if not ID.fullmatch(given.runner):
        print(f"--runner {given.runner!r} must match {ID.pattern}", file=sys.stderr)
        return 2
    job = {"id": str(uuid.uuid4()), "runner": given.runner, "payload": given.script, "timeout": given.timeout}
    job["env_vars"] = dict(pair.split("=", 1) for pair in given.env)
    if given.key:
        with open(given.key, encoding="utf-8") as file:
            key = json.load(file)
        job = sign(complete(job, caller=key["name"], audience=given.audience), key["secret_key"])
        print(f"signed {hashlib.sha256(signed_bytes(job)).hexdigest()}", file=sys.stderr)
    store = redis.Redis.from_url(given.redis, decode_responses=True)
    submit(store, job)
    try:
        record = wait(store, job["runner"], job["id"], given.wait)
    except TimeoutError as late:
        print(late, file=sys.stderr)
        return 124
    sys.stdout.write(record.get("result", ""))
    if record["status"] == "finished":
        return 0
    print(f"{record.get('reason')}: {record.get('error')}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
