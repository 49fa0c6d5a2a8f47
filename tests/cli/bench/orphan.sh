# a parent that is killed without a chance to say so: its child notices
touch pids
cat > launch <<'S'
#!/bin/sh
echo $$ >> pids
exec "$@"
S
chmod +x launch
export PTM_LAUNCHER="./launch $PTM_LAUNCHER"
ptm bench $FIX/conv.pt -i $FIX/x.npy --backend ref --runs 1000000 & p=$!
while [ "$(wc -l < pids)" -lt 2 ]; do sleep 0.1; done
sleep 0.3; kill -KILL $p; wait $p 2>/dev/null
lives() { grep -qs '^State:.[^Z]' /proc/$(tail -n 1 pids)/status; }
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do lives || break; sleep 0.2; done
lives && echo alive || echo gone
