timeout --preserve-status -s INT 0.4 ptm run $FIX/slow.pt -i @ones:1x8x128x128 -i 4000 -o out --json doc.json; rc=$?; ls -A; exit $rc
