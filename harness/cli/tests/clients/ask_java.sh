#!/bin/sh
# Java reads neither the proxy nor whom to trust from the environment: both are given to it here, as a build file would.
set -e
here=$(dirname "$0")
[ "$2" = properties ] || exec java "$here/Ask.java" "$1"
proxy=${HTTPS_PROXY#http://}
store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT
# Ours is the first of the file.
sed '/END CERTIFICATE/q' "$SSL_CERT_FILE" >"$store/ca.pem"
keytool -importcert -noprompt -alias counterpart -file "$store/ca.pem" -keystore "$store/trust.p12" -storepass changeit 2>/dev/null
java -Dhttps.proxyHost="${proxy%:*}" -Dhttps.proxyPort="${proxy#*:}" -Dhttp.nonProxyHosts='127.0.0.1' \
    -Djavax.net.ssl.trustStore="$store/trust.p12" -Djavax.net.ssl.trustStorePassword=changeit "$here/Ask.java" "$1"
