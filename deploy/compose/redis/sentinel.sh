# A Sentinel with a file of its own, in which it keeps what it knows.
# NAME: what the others call it. MASTER: the first master. PORT, BIND: where it listens.
set -eu
port=${PORT:-26379}
if [ ! -f sentinel.conf ]; then
  {
    echo "bind ${BIND:-*}"
    echo "port $port"
    echo "protected-mode no"
    # Containers keep their names, not their addresses.
    echo "sentinel resolve-hostnames yes"
    echo "sentinel announce-hostnames yes"
    echo "sentinel announce-ip $NAME"
    echo "sentinel announce-port $port"
    echo "sentinel monitor mymaster $MASTER ${MASTER_PORT:-6379} 2"
    echo "sentinel down-after-milliseconds mymaster 2000"
    echo "sentinel failover-timeout mymaster 10000"
  } >sentinel.conf
fi
exec redis-server sentinel.conf --sentinel
