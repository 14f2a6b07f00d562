import os, sys
import requests

headers = {"authorization": "Bearer " + os.environ["TOKEN"]}
print(requests.get(sys.argv[1] + "/issues", headers=headers, timeout=20).text)
print(requests.post(sys.argv[1] + "/issues", headers=headers, json={"title": "a"}, timeout=20).text)
