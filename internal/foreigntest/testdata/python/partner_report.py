"""A report of the partner program, the way that scripts without a library do it: a user's
token by the password grant of the v1 endpoint, the raw token once more in X-AadUserTicket,
a query, a report that runs at once, patience, and the file as a stream.

Uses nothing but requests. Settings come as JSON in SETTINGS; what was found is printed as
JSON.
"""
import csv
import json
import os
import sys
import time

import requests

settings = json.loads(os.environ["SETTINGS"])
RESOURCE = "https://api.partnercenter.microsoft.com"
BASE = RESOURCE + "/insights/v1/mpn"


def access_token():
    answer = requests.post(
        "https://login.microsoftonline.com/%s/oauth2/token" % settings["tenant"],
        data={
            "grant_type": "password",
            "scope": "openid",
            "resource": RESOURCE,
            "client_id": settings["client_id"],
            "client_secret": settings["client_secret"],
            "username": settings["username"],
            "password": settings["password"],
        },
        timeout=30,
    )
    answer.raise_for_status()
    body = answer.json()
    # The v1 endpoint writes its numbers as strings.
    assert isinstance(body["expires_in"], str) and int(body["expires_in"]) > 0, body.keys()
    return body["access_token"]


def main():
    token = access_token()
    session = requests.Session()
    session.headers.update({
        "Authorization": "Bearer " + token,
        "X-AadUserTicket": token,
        "Content-Type": "application/json",
        "Accept": "application/json",
    })

    datasets = session.get(BASE + "/ScheduledDataset", timeout=30)
    datasets.raise_for_status()
    names = {d["datasetName"]: d for d in datasets.json()["value"]}
    dataset = names[settings["dataset"]]
    columns = dataset["selectableColumns"][:3]
    query = "SELECT %s FROM %s TIMESPAN %s" % (", ".join(columns), dataset["datasetName"], settings["timespan"])

    made = session.post(BASE + "/ScheduledQueries", json={"Name": "by script", "Description": "", "Query": query}, timeout=30)
    made.raise_for_status()
    assert made.json()["message"] == "Query created successfully", made.json()["message"]
    query_id = made.json()["value"][0]["queryId"]

    report = session.post(BASE + "/ScheduledReport", json={
        "ReportName": "by_script", "Description": "", "QueryId": query_id, "ExecuteNow": True,
        "Format": "csv", "QueryStartTime": None, "QueryEndTime": None,
    }, timeout=30)
    report.raise_for_status()
    report_id = report.json()["value"][0]["reportId"]

    seen = []
    for _ in range(600):
        answer = session.get(
            BASE + "/ScheduledReport/execution/" + report_id,
            params={"executionStatus": "Completed", "getLatestExecution": "true"}, timeout=30,
        )
        seen.append(answer.status_code)
        if answer.status_code == 404:  # not yet
            time.sleep(0.1)
            continue
        answer.raise_for_status()
        break
    else:
        sys.exit("the report does not complete")
    execution = answer.json()["value"][0]

    rows = []
    # Without the session: the link carries its own permission.
    with requests.get(execution["reportAccessSecureLink"], stream=True, timeout=30) as download:
        download.raise_for_status()
        lines = (line.decode("utf-8") for line in download.iter_lines(chunk_size=512))
        rows = list(csv.reader(lines))

    deleted = session.delete(BASE + "/ScheduledReport/" + report_id, timeout=30)
    deleted.raise_for_status()
    json.dump({
        "columns": columns, "header": rows[0], "rows": len(rows) - 1, "waited": seen.count(404),
        "encoding": download.headers.get("Content-Encoding"), "status": execution["executionStatus"],
    }, sys.stdout)


main()
