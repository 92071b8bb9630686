import{a,b,c,d,e}from"./chunk-COBK366Q.js";import"./chunk-IKDSW4Z6.js";import"./chunk-G3KZ2WPE.js";export{e as clear,a as pushState,d as resume,c as switchOff,b as switchOn};
