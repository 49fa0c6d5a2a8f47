echo old > s.ptm; timeout --preserve-status -s INT 0.4 ptm strip-unused-ops $FIX/slow.pt -i @ones:1x8x128x128 -i 4000 -o s.ptm --ops-yaml s.yaml --json s.json; rc=$?; ls -A; cat s.ptm; exit $rc
