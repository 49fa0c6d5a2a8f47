ptm optimize $FIX/conv.pt -o out.ptm --input-shape 2,4,8,8; rc=$?; ls -A; exit $rc
