import os, sys
import httpx

headers = {"authorization": "Bearer " + os.environ["TOKEN"]}
with httpx.Client(headers=headers, timeout=20) as client:
    print(client.get(sys.argv[1] + "/issues").text)
    print(client.post(sys.argv[1] + "/issues", json={"title": "a"}).text)
