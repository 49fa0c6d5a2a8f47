[ "$(id -u)" = 0 ] && { echo "root writes everywhere"; exit 77; }; mkdir out; chmod 555 out; ptm run $FIX/conv.pt -i $FIX/x.npy -o out
