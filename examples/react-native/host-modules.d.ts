/**
 * The few words of React Native and its libraries that the example uses, so that it is checked without installing them.
 * An app has their own types, and no need of this file.
 */
declare module 'react' {
  export type ReactNode = object | string | number | boolean | null | undefined;
  export function useState<T>(first: T): [T, (next: T) => void];
  export function useRef<T>(first: T): { current: T };
}

declare module 'react/jsx-runtime' {
  export namespace JSX {
    type Element = object;
    interface ElementChildrenAttribute {
      children: unknown;
    }
  }
  export const jsx: unknown;
  export const jsxs: unknown;
}

declare module 'react-native' {
  import type { ReactNode } from 'react';
  export const AppState: { addEventListener(type: 'change', listener: (state: string) => void): { remove(): void } };
  export const Platform: { OS: 'ios' | 'android' | 'web'; Version: string | number };
  export function View(props: { style?: object; children?: ReactNode }): object;
  export function Text(props: { onPress?: () => void; children?: ReactNode }): object;
  export function Button(props: { title: string; onPress: () => void }): object;
  export function FlatList<T>(props: {
    data: readonly T[];
    keyExtractor: (item: T) => string;
    renderItem: (row: { item: T }) => object;
  }): object;
}

declare module '@react-native-async-storage/async-storage' {
  const AsyncStorage: {
    getAllKeys(): Promise<readonly string[]>;
    multiGet(keys: readonly string[]): Promise<readonly (readonly [string, string | null])[]>;
    setItem(key: string, value: string): Promise<void>;
    multiRemove(keys: readonly string[]): Promise<void>;
  };
  export default AsyncStorage;
}

declare module '@react-native-community/netinfo' {
  const NetInfo: { addEventListener(listener: (state: { isConnected: boolean | null; details: unknown }) => void): () => void };
  export default NetInfo;
}

declare module '@react-navigation/native' {
  import type { ReactNode } from 'react';
  export interface NavigationRef {
    getCurrentRoute(): { name: string; key: string } | undefined;
    addListener(type: 'state', listener: () => void): () => void;
  }
  export function useNavigationContainerRef(): NavigationRef;
  export function NavigationContainer(props: { ref: NavigationRef; onReady?: () => void; children?: ReactNode }): object;
}

declare module '@react-navigation/native-stack' {
  import type { ReactNode } from 'react';
  export function createNativeStackNavigator(): {
    Navigator(props: { children?: ReactNode }): object;
    Screen(props: { name: string; component: () => object }): object;
  };
}
