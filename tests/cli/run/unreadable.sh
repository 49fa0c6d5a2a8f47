[ "$(id -u)" = 0 ] && { echo "root reads everything"; exit 77; }; cp $FIX/conv.pt m.pt; chmod 000 m.pt; ptm run m.pt
