# A closed file has no program: it runs the calls it was made for, bit by bit the same.
"$PTM" optimize "$FIX/conv.traced.pt" -o open.ptm --input-shape 1,3,12,12 --quiet
"$PTM" optimize "$FIX/conv.traced.pt" -o closed.ptm --input-shape 1,3,12,12 --input-shape 1,3,16,16 --closed
[ "$(wc -c < closed.ptm)" -lt "$(wc -c < open.ptm)" ] && echo smaller
"$PTM" run open.ptm --input-shape 1,3,16,16 --output a --quiet
"$PTM" run closed.ptm --input-shape 1,3,16,16 --output b --quiet
cmp a/out0.npy b/out0.npy && echo same
"$PTM" inspect closed.ptm | sed -n '/^methods/,$p'
"$PTM" run closed.ptm --input-shape 1,3,20,16
