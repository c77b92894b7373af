module.exports = (block, element) => `${block}__${element}`;
