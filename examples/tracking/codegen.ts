import type { CodegenConfig } from '@graphql-codegen/cli';

// Types of the operations in src, from Portico's own schema.
const config: CodegenConfig = {
  schema: { '../../schema.graphqls': { assumeValidSDL: true } } as never,
  documents: ['src/*.ts'],
  generates: {
    'src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        onlyOperationTypes: true,
        defaultScalarType: 'string',
      },
    },
  },
};
export default config;
