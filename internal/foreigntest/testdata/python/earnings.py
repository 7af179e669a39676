"""An export of earnings, polled and unzipped with nothing but requests and the standard
library, which survives what the service does to it on the way: 429 with Retry-After, a
busy gateway, a download that breaks off. The repeats are urllib3's own.
"""
import csv
import io
import json
import os
import sys
import time
import zipfile

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

settings = json.loads(os.environ["SETTINGS"])
RESOURCE = "https://api.partner.microsoft.com"
BASE = RESOURCE + "/v1.0/payouts/transactionhistory"

retry = Retry(total=5, backoff_factor=0.05, status_forcelist=[429, 500, 502, 503, 504], respect_retry_after_header=True)
session = requests.Session()
session.mount("https://", HTTPAdapter(max_retries=retry))


def sign_in(refresh_token):
    answer = session.post(
        "https://login.microsoftonline.com/%s/oauth2/v2.0/token" % settings["tenant"],
        data={
            "grant_type": "refresh_token",
            "scope": RESOURCE + "/.default",
            "client_id": settings["client_id"],
            "client_secret": settings["client_secret"],
            "refresh_token": refresh_token,
        },
        timeout=30,
    )
    answer.raise_for_status()
    body = answer.json()
    assert isinstance(body["expires_in"], int), body["expires_in"]
    return body["access_token"], body["refresh_token"]


def download(link):
    """Continues where a connection has broken off, which requests does not always tell."""
    content, breaks, total = b"", 0, None
    while total is None or len(content) < total:
        header = {"Range": "bytes=%d-" % len(content)} if content else {}
        try:
            with requests.get(link, headers=header, stream=True, timeout=30) as part:
                part.raise_for_status()
                total = len(content) + int(part.headers["Content-Length"])
                for chunk in part.iter_content(1024):
                    content += chunk
        except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError):
            pass
        breaks += total is None or len(content) < total
    return content, breaks


def main():
    access, _ = sign_in(settings["refresh_token"])
    bearer = {"Authorization": "Bearer " + access}
    started = session.post(BASE, params={"$filter": "earningAmount gt 0", "fileFormat": "csv"}, headers=bearer, timeout=30)
    assert started.status_code == 202, started.text
    item = started.json()["value"][0]
    for _ in range(600):
        answer = session.get(BASE + "/" + item["requestId"], headers=bearer, timeout=30)
        answer.raise_for_status()
        item = answer.json()["value"][0]
        if item["status"] in ("Completed", "Failed"):
            break
        time.sleep(0.1)
    assert item["status"] == "Completed", item

    content, breaks = download(item["blobLocation"])
    rows = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        for name in archive.namelist():
            with archive.open(name) as entry:
                rows += sum(1 for _ in csv.DictReader(io.TextIOWrapper(entry, "utf-8-sig", newline="")))
    json.dump({"rows": rows, "bytes": len(content), "breaks": breaks}, sys.stdout)


main()
