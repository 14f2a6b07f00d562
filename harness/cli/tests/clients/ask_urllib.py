import json, os, sys, urllib.request

headers = {"authorization": "Bearer " + os.environ["TOKEN"], "content-type": "application/json"}
for data in None, json.dumps({"title": "a"}).encode():
    request = urllib.request.Request(sys.argv[1] + "/issues", data=data, headers=headers)
    print(urllib.request.urlopen(request, timeout=20).read().decode())
