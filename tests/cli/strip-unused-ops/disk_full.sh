for option in -o --ops-yaml --json; do ptm strip-unused-ops $FIX/conv.pt -q $option /dev/full; echo $?; done
ptm strip-unused-ops $FIX/conv.pt > /dev/full; echo $?
