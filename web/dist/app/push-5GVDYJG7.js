import{a,b,c,d,e}from"./chunk-LXYNGPKT.js";import"./chunk-PESS6VVB.js";import"./chunk-YJQQ2TA7.js";export{e as clear,a as pushState,d as resume,c as switchOff,b as switchOn};
