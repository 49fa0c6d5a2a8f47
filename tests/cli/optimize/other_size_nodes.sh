# Optimised at one size, run at another: the same passes run there, and find as much.
ptm optimize $E2E/passes/mobilenet_v2.traced.pt -o out.ptm --input-shape 1,3,64,64 -q
for size in 64 96; do ptm inspect out.ptm --input-shape 1,3,$size,$size | sed -n '/^passes/,$p' | sed 's/,.*//'; done
ptm optimize $E2E/passes/mobilenet_v2.traced.pt -o at96.ptm --input-shape 1,3,96,96 -q
ptm run out.ptm -i @ones:1x3x96x96 -o a -q && ptm run at96.ptm -i @ones:1x3x96x96 -o b -q && cmp a/out0.npy b/out0.npy && echo same
