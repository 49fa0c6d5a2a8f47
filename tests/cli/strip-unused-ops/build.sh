# the small program gives the same bits, and refuses models that it has no kernels for
command -v cc > /dev/null && command -v make > /dev/null || { echo "no compiler"; exit 77; }
[ -z "$PTM_LAUNCHER" ] || { echo "cc is not for the emulated machine"; exit 77; }
[ -f "$BUILD/libptm.a" ] || { echo "no libptm.a"; exit 77; }
case $BUILD in *san) echo "a plain link lacks the sanitizer"; exit 77 ;; esac
$PTM strip-unused-ops $FIX/conv.pt -i $FIX/x.npy --build small | sed -n 's/, [0-9.]* kB/, N kB/gp' || exit
$PTM run small/model.ptm -i $FIX/x.npy --backend cpu -q -o out
tail -c "$(($(wc -c < $FIX/x.npy) - 128))" $FIX/x.npy > x.bin
./small/small small/model.ptm x.bin > y.bin && tail -c "$(wc -c < y.bin)" out/out0.npy | cmp - y.bin && echo same
./small/small $FIX/conv.pt x.bin
$PTM optimize $FIX/scores.pt -i $FIX/scores.npy -o other.ptm -q
sed "s/2, 3, 8, 8, 0/$(head -c 100 $FIX/scores.npy | tr -d '\0' | sed -n "s/.*(\([0-9, ]*\)).*/\1/p"), 0/" small/main.c > main.c
