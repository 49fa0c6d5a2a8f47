# files that may not grow so large: old ones stay, and nothing else is left, not even an empty folder
echo old > out
for option in -o --ops-yaml --json; do
    (ulimit -f 1; exec "$PTM" strip-unused-ops "$FIX/conv.pt" -q $option out); echo $?
    ls -A; cat out
done
(ulimit -f 4; exec "$PTM" strip-unused-ops "$FIX/conv.pt" -i "$FIX/x.npy" -q --build dir); echo $?
ls -A
