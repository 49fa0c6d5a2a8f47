for option in --json --csv --markdown; do
    ptm bench $FIX/conv.pt -i $FIX/x.npy --backend cpu -r 2 -w 0 --no-accuracy -q $option /dev/full; echo $?
done
# a file that may not grow so large: the old one stays, and nothing else is left
echo old > out.json
(ulimit -f 1; exec "$PTM" bench "$FIX/conv.pt" -i "$FIX/x.npy" --backend cpu,ref -r 200 -w 0 -q --json out.json); echo $?
ls -A; cat out.json
