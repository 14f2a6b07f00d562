#!/bin/sh
set -e
curl -sS -H "authorization: Bearer $TOKEN" "$1/issues"
echo
curl -sS -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"title":"a"}' "$1/issues"
