echo old > p.json; timeout --preserve-status -s INT 0.4 ptm profile $FIX/slow.pt -i @ones:1x8x128x128 -i 4000 --json p.json --trace t.json -q; rc=$?; ls -A; cat p.json; exit $rc
