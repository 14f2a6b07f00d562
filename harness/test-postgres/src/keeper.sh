# Keeps one throwaway PostgreSQL server, and takes orders on its standard input, a line each:
#   start PORT    starts it on 127.0.0.1
#   stop          crashes it: no checkpoint, no goodbye
# Each is answered by a line: `done`, or `failed` after what the log says. It reads a password before the first order,
# and says `done` to that once the server's files are made. When its input ends the server is stopped and its files
# are removed. That happens however the process at the other end comes to its end, so nothing needs to be tidied there.
#
#   sh keeper.sh FOLDER_OF_POSTGRESQLS_PROGRAMS
programs=$1

folder=$(mktemp -d "${TMPDIR:-/tmp}/counterpart-postgres.XXXXXX") || exit 1
remove() {
  "$programs/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1
  rm -rf "$folder"
}
trap remove EXIT
trap 'exit 1' HUP INT TERM
# Nobody reads the answers of a process that is gone; the order to tidy up is still to come then.
trap : PIPE

# Its own output goes to the log: whoever holds the answers' pipe open would keep the other end from seeing its end.
run() {
  if "$@" >>"$folder/log" 2>&1 </dev/null; then echo done; else cat "$folder/log"; echo failed; fi
}

read -r password
printf '%s\n' "$password" >"$folder/password"
run "$programs/initdb" -D "$folder/data" -U counterpart --pwfile="$folder/password" -A scram-sha-256 \
  -E UTF8 --no-locale --no-sync --no-instructions
while read -r order port; do
  case $order in
    start) run "$programs/pg_ctl" -D "$folder/data" -l "$folder/log" -t 60 \
      -o "-c port=$port -c listen_addresses=127.0.0.1 -c unix_socket_directories=''" start ;;
    stop) run "$programs/pg_ctl" -D "$folder/data" -m immediate stop ;;
    *) echo failed ;;
  esac
done
