ptm optimize $FIX/conv.pt -o out.ptm --preserve bogus; rc=$?; ls -A; exit $rc
