# A file that may not grow so large: the old one stays, and nothing else is left.
echo old > out.ptm
(ulimit -f 4; exec "$PTM" optimize "$FIX/conv.pt" -o out.ptm --input-shape 1,3,8,8 -q); rc=$?
ls -A; cat out.ptm; exit $rc
