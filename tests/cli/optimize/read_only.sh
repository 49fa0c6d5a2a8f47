echo old > out.ptm; chmod 444 out.ptm; [ "$(id -u)" = 0 ] && { echo "root may write everything"; exit 77; }; ptm optimize $FIX/conv.pt -o out.ptm
