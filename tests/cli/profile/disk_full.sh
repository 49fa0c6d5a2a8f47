for option in --json --trace; do ptm profile $FIX/conv.pt -i $FIX/x.npy -r 1 -q $option /dev/full; echo $?; done
ptm profile $FIX/conv.pt -i $FIX/x.npy -r 1 > /dev/full; echo $?
# files that may not grow so large: the old one stays, and nothing else is left
echo old > out.json
for option in --json --trace; do
    (ulimit -f 1; exec "$PTM" profile "$FIX/conv.pt" -i "$FIX/x.npy" -r 20 -q $option out.json); echo $?
    ls -A; cat out.json
done
