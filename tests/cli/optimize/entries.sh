# Calls like those given need not be specialised; others are, by the same passes.
"$PTM" optimize "$FIX/conv.traced.pt" -o out.ptm --input-shape 1,3,12,12 --input-shape 2,3,12,12 | tail -n 2 | head -n 1
"$PTM" inspect out.ptm | grep -A 2 ^entries
"$PTM" inspect out.ptm --input-shape 1,3,12,12 | grep '^passes' > a
"$PTM" inspect out.ptm --input-shape 1,3,24,24 | grep '^passes' > b
cut -d, -f1 a; cut -d, -f1 b
