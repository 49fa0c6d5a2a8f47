# every command has its section; groff, where it is there, has nothing to warn of
$PTM man > ptm.1
for c in $($PTM --help | sed -n 's/^  \([a-z-]*\) .*/\1/p'); do
    grep -q "^.SS \"ptm $c " ptm.1 || echo "no section for $c"
done
if command -v groff > /dev/null; then groff -man -Tutf8 -ww ptm.1 > /dev/null; fi
sed -n '1,8p' ptm.1
