# the folder that was to hold the program goes again; one that was there stays
mkdir kept
for dir in made kept; do
    timeout --preserve-status -s INT 0.4 ptm strip-unused-ops $FIX/slow.pt -i @ones:1x8x128x128 -i 4000 --build $dir; rc=$?
done
ls -A; exit $rc
