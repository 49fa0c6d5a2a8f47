D=$E2E/digits
ptm optimize $D/digits.pt -o p.ptm --input $D/digits.in0.npy --packed --cpu c --json - | grep -E '"(packed_bytes)"' | grep -v ':.0'
ptm optimize $D/digits.pt -o p.ptm --input $D/digits.in0.npy --packed --cpu c | grep packed
strings -n 8 p.ptm | grep -c '"isa": "c"'
ptm run p.ptm --input $D/digits.in0.npy --backend cpu --cpu c --output a -q
ptm run p.ptm --input $D/digits.in0.npy --backend cpu --expect $D/digits.out0.npy -q
ptm run p.ptm --input $D/digits.in0.npy --expect $D/digits.out0.npy -q
ptm run $D/digits.pt --input $D/digits.in0.npy --passes default --backend cpu --cpu c --output b -q
cmp a/out0.npy b/out0.npy
ptm optimize p.ptm -o again.ptm --input $D/digits.in0.npy --packed --cpu c -q --passes none
ptm run again.ptm --input $D/digits.in0.npy --expect $D/digits.out0.npy --backend cpu --cpu c -q
