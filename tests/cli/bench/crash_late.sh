# dies in the middle of what it says
cat > launch <<'S'
#!/bin/sh
case "$*" in *'--child 0 '*) "$@" | { dd bs=1 count=700 2> /dev/null; kill -ABRT $$; } ;; esac
exec "$@"
S
chmod +x launch
PTM_LAUNCHER="./launch $PTM_LAUNCHER" ptm bench $FIX/conv.pt -i $FIX/x.npy --backend ref --threads 1,2 --runs 4 --rounds 4 -w 0 --csv - > t.csv; rc=$?
cut -d, -f 1-4 t.csv; exit $rc
