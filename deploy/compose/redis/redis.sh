# A Redis with a file of its own, which Sentinel has it rewrite: one that comes back remembers whom it follows.
# NAME: what the others call it. FOLLOWS: whom it follows at its first start; without it, nobody. PORT, BIND: where it listens.
set -eu
port=${PORT:-6379}
if [ ! -f redis.conf ]; then
  {
    echo "bind ${BIND:-*}"
    echo "port $port"
    echo "protected-mode no"
    echo "replica-announce-ip $NAME"
    echo "replica-announce-port $port"
    if [ -n "${FOLLOWS:-}" ]; then echo "replicaof $FOLLOWS ${FOLLOWS_PORT:-6379}"; fi
  } >redis.conf
fi
exec redis-server redis.conf
