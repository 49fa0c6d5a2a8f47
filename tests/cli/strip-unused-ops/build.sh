# the small program gives the same bits, and refuses models that it has no kernels for
command -v cc > /dev/null && command -v make > /dev/null || { echo "no compiler"; exit 77; }
[ -z "$PTM_LAUNCHER" ] || { echo "cc is not for the emulated machine"; exit 77; }
case $BUILD in *san) echo "a plain link lacks the sanitizer"; exit 77 ;; esac
$PTM strip-unused-ops $FIX/conv.pt -i $FIX/x.npy --build small > list || exit
sed -n 's/, [0-9.]* kB/, N kB/gp' list
$PTM run small/model.ptm -i $FIX/x.npy --backend cpu -q -o out
tail -c 768 $FIX/x.npy > x.bin
./small/small small/model.ptm x.bin > y.bin && tail -c "$(wc -c < y.bin)" out/out0.npy | cmp - y.bin && echo same
./small/small small/model.ptm
./small/small $FIX/conv.pt x.bin
$PTM strip-unused-ops $FIX/literals.pt -m two -i second=[1.0,2.0] -i @ones:2 -i times=3 --build other -q
cp small/libptm_small.a other && rm other/small && env -u MAKEFLAGS make -s -C other
head -c 8 x.bin > two.bin && ./other/small other/model.ptm two.bin two.bin
