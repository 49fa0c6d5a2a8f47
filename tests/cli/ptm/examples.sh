# each command's help ends with two examples at least
for c in $($PTM --help | sed -n 's/^  \([a-z-]*\) .*/\1/p'); do
    n=$($PTM $c --help | sed -n '/^examples/,$p' | grep -c 'ptm')
    [ "$n" -ge 2 ] || echo "$c: $n"
done
