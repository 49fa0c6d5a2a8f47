as=; [ "$(id -u)" != 0 ] || as='setpriv --reuid 65534 --regid 65534 --clear-groups --'
$as "$PTM" --version > /dev/null 2>&1 || { echo 'nobody cannot run the program here'; exit 77; }
cp $FIX/conv.pt m.pt; chmod 000 m.pt
$as "$PTM" run m.pt
