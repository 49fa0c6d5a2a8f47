ptm inspect $FIX/conv.pt --json /dev/full; echo $?
ptm inspect $FIX/conv.pt > /dev/full; echo $?
echo old > out.json
(ulimit -f 1; exec "$PTM" inspect "$FIX/conv.pt" -i "$FIX/x.npy" --json out.json); echo $?
ls -A; cat out.json
