as=; [ "$(id -u)" != 0 ] || as='setpriv --reuid 65534 --regid 65534 --clear-groups --'
$as "$PTM" --version > /dev/null 2>&1 || { echo 'nobody cannot run the program here'; exit 77; }
mkdir out; chmod 555 out
$as "$PTM" run $FIX/conv.pt -i $FIX/x.npy -q -o out
