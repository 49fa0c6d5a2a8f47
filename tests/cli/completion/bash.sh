# what the shell would offer
command -v bash > /dev/null || { echo "no bash"; exit 77; }
$PTM completion bash > ptm.bash && cat > try.bash <<'END'
. ./ptm.bash
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ptm; echo "$* -> ${COMPREPLY[*]}"; }
try ptm ins
try ptm run --back
try ptm run --backend x
try ptm run --backend = c
try ptm optimize --disable fold_
try ptm inspect --dump g
touch model.pt
try ptm run mod
try run zoo : resnet
try run zoo :
END
bash try.bash
